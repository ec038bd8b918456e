with face ({face_columns}) as (
    values
        {faces}
),
record as (
    select {key}, {columns},
        -- what the snapshot lacks: a record with a key has a name, and one without coordinates does not count
        cast(null as bigint) as cell, cast(null as varchar) as country, 1e0 as records, false as is_bad_number,
        true as is_named, cast(null as double) as centroid, cast(null as varchar) as captive,
        cast(null as varchar) as quality, cast(null as varchar) as approved
    from {table}
    where {partition} = '{snapshot}' and {animals} and {key} is not null
),
kept as (
    select {key}, lat, lon{month}
    from record
    where {reason} is null
),
placed as ({placed}
),
counted as (
    select {key}, hexagon{month}, min_by(lat, lon) as lat, min(lon) as lon, count(*) as occurrences
    from placed
    group by {key}, hexagon{month}
),
named as (
    select {key}, {names}
    from {table}
    where {partition} = '{snapshot}' and {animals}
    group by {key}
)
select counted.{key}, {name_columns}, counted.lat as decimallatitude, counted.lon as decimallongitude{month},
    counted.occurrences
from counted
join named on named.{key} = counted.{key}
