-- The queries for taxa. They return no row if no dataset is active. taxa.py reads this file; a line "-- name" begins a query.

-- search
with active as (select dataset, version from dataset where active),
typed as (select lower(%s) as text, lower(%s) as animal_group),
near as materialized (
    select alike.dataset, alike.animal from typed cross join lateral names_like(typed.text) as alike
    union
    select animal.dataset, animal.animal -- also without pg_trgm, and names without letters that make trigrams
    from typed cross join animal
    where animal.taxon = typed.text or ( -- a shorter name cannot have it, and is not read
        length(typed.text) <= greatest(length(animal.name), length(animal.scientific_name))
        and position(' ' || typed.text in lower(' ' || animal.name || e'\n ' || animal.scientific_name)) > 0
    )
    union
    select other_name.dataset, other_name.animal
    from typed cross join other_name
    where length(typed.text) <= length(other_name.name)
        and position(' ' || typed.text in lower(' ' || other_name.name)) > 0
),
known as ( -- people type common names more often, and among 2,300 Latin names one is always similar
    select dataset, animal, own.name, own.worth, null as other_name
    from near
    join animal using (dataset, animal)
    cross join lateral (
        values (lower(animal.name), 1.0), (lower(animal.scientific_name), 0.85), (animal.taxon, 0.0)
    ) as own (name, worth)
    union all
    select dataset, animal, lower(name), 0.85, name from near join other_name using (dataset, animal)
),
liked as ( -- by the name that is most like what was typed: an other one only if it is more like it than the animal's own
    select distinct on (dataset, animal) dataset, animal, other_name, case
        when name = text then 4
        when starts_with(name, text) then 3
        when position(' ' || text in name) > 0 then 2
        else worth * likeness(text, name)
    end as likeness
    from known cross join typed
    order by dataset, animal, likeness desc, other_name nulls first
),
found as (
    select
        animal.taxon, animal.name, animal.scientific_name, animal.rank, animal.kind, animal.animal_group, liked.other_name,
        liked.likeness
    from active
    join liked using (dataset)
    join animal using (dataset, animal)
    cross join typed
    where typed.animal_group is null or typed.animal_group = lower(animal.animal_group)
),
best as (
    select * from found where likeness >= %s order by likeness desc, length(name), name limit %s
)
select version, taxon, name, scientific_name, rank, kind, animal_group, other_name
from active left join best on true
order by likeness desc, length(name), name

-- group
select dataset.version, taxon, name, scientific_name, rank, kind, animal_group
from dataset left join animal on animal.dataset = dataset.dataset and lower(animal.animal_group) = lower(%s)
where dataset.active
order by lower(name)

-- groups
select dataset.version, animal_group, count(*)
from dataset join animal using (dataset)
where dataset.active
group by dataset.version, animal_group
order by animal_group

-- facts
select dataset.version, facts.facts
from dataset
left join lateral (
    select json_build_object(
        'taxon', taxon,
        'name', name,
        'scientific_name', scientific_name,
        'rank', rank,
        'kind', kind,
        'group', animal_group,
        'other_names', (
            select coalesce(json_agg(other_name.name order by other_name.name), '[]')
            from other_name
            where other_name.dataset = animal.dataset and other_name.animal = animal.animal
        ),
        'ids', json_strip_nulls(json_build_object(
            'inaturalist', inaturalist, 'wikidata', wikidata, 'avibase', avibase, 'ebird', ebird
        )),
        'lineage', (
            select coalesce(json_agg(json_build_object(
                'name', above.name, 'scientific_name', above.scientific_name, 'rank', above.rank
            ) order by number), '[]')
            from unnest(animal.lineage) with ordinality as step (scientific_name, number)
            join taxon as above on above.dataset = animal.dataset and above.scientific_name = step.scientific_name
        ),
        'ranges', (
            select coalesce(json_agg(json_build_object(
                'status', status, 'areas', areas, 'words', words, 'extent', extent, 'certainty', certainty, 'season', season,
                'note', note, 'source', source
            ) order by array_position(array['native', 'introduced', 'vagrant', 'absent'], status), words), '[]')
            from range_statement
            where range_statement.dataset = animal.dataset and range_statement.animal = animal.animal
        ),
        'sources', (
            select coalesce(json_agg(json_build_object(
                'source', source, 'title', title, 'citation', citation, 'licence', licence
            ) order by source), '[]')
            from source
            where source.dataset = animal.dataset and source.source in (
                select said.source
                from range_statement as said
                where said.dataset = animal.dataset and said.animal = animal.animal
                union
                select named.source
                from other_name as named
                where named.dataset = animal.dataset and named.animal = animal.animal
            )
        ),
        'is_drawn', exists (
            select from range_drawing
            where range_drawing.dataset = animal.dataset and range_drawing.animal = animal.animal
        )
    ) as facts
    from animal
    where animal.dataset = dataset.dataset and animal.taxon = %s
) as facts on true
where dataset.active

-- outlines
select dataset.version, range_drawing.outlines
from dataset
left join animal on animal.dataset = dataset.dataset and animal.taxon = %s
left join range_drawing on range_drawing.dataset = dataset.dataset and range_drawing.animal = animal.animal
where dataset.active

-- paths
select dataset.version, range_drawing.paths
from dataset
left join animal on animal.dataset = dataset.dataset and animal.taxon = %s
left join range_drawing on range_drawing.dataset = dataset.dataset and range_drawing.animal = animal.animal
where dataset.active
