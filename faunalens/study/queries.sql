-- The queries and changes that commands make in a results file, by name. Small queries stand where they are used.

--: views
-- The photos that do not count, as another one of their deployment has the same bytes: the reviewed one counts, or the first.
create temp view copies as
select id from (
    select id, row_number() over (
        partition by deployment, size, checksum order by id not in (select photo from review), id
    ) as number
    from photo where answer is not null and checksum is not null
) where number > 1;

-- Pairs of photos with the same bytes; or, if a checksum is missing, as after an import, with the same name, size and time.
create temp view same_photo as
select photo.id, other.id as other
from photo join photo as other on other.size = photo.size and coalesce(other.checksum = photo.checksum,
    name_of(other.path) = name_of(photo.path) and (other.modified = photo.modified or other.taken = photo.taken));

-- The photos, with whether they begin an event if people said so, and with all opinions, the newest last, as JSON.
create temp view reviewed_photo as
select photo.*, boundary.starts, (
    select json_group_array(
        json_array(
            reviewer, reviewed, kind, name, scientific_name, rank, count, sex, life_stage, behavior, note
        ) order by reviewed, reviewer, number
    ) from review where review.photo = photo.id
) as opinions
from photo left join boundary on boundary.photo = photo.id;

--: find
-- A photo whose place is in another cell, or whose size has changed, counts as new. Without a place, that of an earlier run
-- stays, unless it was a deployment's.
insert into photo (path, size, modified, deployment, place, shift)
values (?1, ?2, ?3, ?4, coalesce(?5, 'exif'), coalesce(?6, 0))
on conflict (path) do update set
    state = case
        when size <> ?2 or (
            place <> coalesce(?5, iif(deployment is null, place, 'exif'))
            and coalesce(cell_at(latitude, longitude), place)
                <> coalesce(cell_at(?7, ?8), coalesce(?5, iif(deployment is null, place, 'exif')))
        ) then 'new'
        when modified <> ?3 and state in ('done', 'unreadable') then 'touched'
        else state
    end,
    checksum = iif(
        size <> ?2 or (
            place <> coalesce(?5, iif(deployment is null, place, 'exif'))
            and coalesce(cell_at(latitude, longitude), place)
                <> coalesce(cell_at(?7, ?8), coalesce(?5, iif(deployment is null, place, 'exif')))
        ), null, checksum
    ),
    place = coalesce(?5, iif(deployment is null, place, 'exif')),
    latitude = coalesce(?7, latitude), longitude = coalesce(?8, longitude),
    deployment = ?4, shift = coalesce(?6, shift), size = ?2, modified = ?3;

--: left
select id, path, place, checksum, shift, state from photo
where id > ? and state in ('new', 'touched', 'failed') order by id limit ?;

--: changed
-- How many photos with an answer have another size or place now, and how many of them are reviewed.
select count(*), count(iif(id in (select photo from review), 1, null)) from photo where state = 'new' and answer <> ?;

--: save
update photo set
    state = :state, size = :size, modified = :modified, checksum = :checksum, taken = :taken, latitude = :latitude,
    longitude = :longitude, width = :width, height = :height, answer = :answer, code = :code, detail = :detail,
    identified = :identified
where id = :id;

--: save as unchanged
update photo set state = iif(code is null, 'done', 'unreadable'), modified = ?2 where id = ?1;

--: save without an answer
-- An earlier answer stays while the photo is tried again. A reviewed photo keeps its answer, which exports need for the review.
update photo set state = ?2, code = ?3, detail = ?4
where id = ?1 and answer is not null and (?2 = 'failed' or id in (select photo from review));

--: models
-- The number of photos by the model of their answer. The index `photo_models` has all that the inner query reads: an answer
-- is long.
select
    name, version,
    case when has_boxes then 'with boxes' else 'without boxes' end || coalesce((
        select ' by megadetector ' || (value ->> '$.version')
        from json_each(packs) where value ->> '$.name' = 'megadetector'
    ), '') as boxes,
    sum(number)
from (
    select
        answer ->> '$.model.name' as name, answer ->> '$.model.version' as version, answer ->> '$.model.packs' as packs,
        answer ->> '$.animals' is not null as has_boxes, count(*) as number
    from photo where answer is not null group by 1, 2, 3, 4
)
where name is not null group by 1, 2, 3 order by 4 desc;

--: copies
-- The number of photos that do not count, because another one of their deployment has the same bytes.
select count(*) from copies;

--: shared
-- The number of photos whose bytes are in several deployments.
select coalesce(sum(number), 0) from (
    select count(*) as number from photo where answer is not null and checksum is not null
    group by size, checksum having count(distinct coalesce(deployment, '')) > 1
);

--: untimed
-- The number of photos with an answer that have no time in EXIF.
select count(*) from photo where answer is not null and taken is null and id not in (select id from copies);

--: listed
create temp table listed (
    path text primary key, size integer, modified integer, deployment text, place text, shift real
);

--: moved
-- For each path that is new, or whose file is no longer the photo `there`: the photos that may have moved to it. A photo
-- without a checksum, as after an import, matches by its time. The cross join fixes the order: such paths are few, sizes repeat.
select listed.path, there.id as there, photo.id, photo.path as old, photo.size, photo.checksum
from listed left join photo as there using (path) cross join photo on photo.size = listed.size
where (photo.checksum is not null or photo.modified = listed.modified) and there.size is not listed.size
order by photo.id;

--: outdated reviews
-- Delete a reviewer's opinion on a copy that stays, if the reviewer's opinion on the photo that is gone is newer.
delete from review where (photo, reviewer) in (
    select other, said.reviewer
    from temp.gone join same_photo using (id) join review as said on said.photo = id
    join review as earlier on earlier.photo = other and earlier.reviewer = said.reviewer
    where other not in (select id from temp.gone) and earlier.reviewed < said.reviewed
);

--: keep reviews
-- Give the reviews of photos that are gone to their copies that stay: each reviewer's newest.
insert or ignore into review
select
    other, reviewer, number, kind, name, scientific_name, rank, count, sex, life_stage, behavior, note, machine, is_right,
    drawn, reviewed
from (
    select review.*, other, max(reviewed) over (partition by other, reviewer) as newest
    from temp.gone join same_photo using (id) join review on review.photo = id
    where other not in (select id from temp.gone)
)
where reviewed = newest and (other, reviewer) not in (select photo, reviewer from review);

--: in order
select id from photo where answer is not null and id not in (select id from copies)
order by
    deployment_of(deployment, path, latitude, longitude),
    iif(
        taken is null,
        clock_of(modified, deployment_of(deployment, path, latitude, longitude)),
        datetime(substr(taken, 1, 19), shift || ' seconds')
    ) nulls last,
    path;

--: precision
-- The newest opinion on a photo decides, even if another reviewer drew it. A deployment's photos within ten minutes are one occasion.
select machine, count(*) as reviewed, sum(is_right), count(distinct occasion) from (
    select
        machine, is_right, is_typed, max(reviewed),
        coalesce(deployment, rtrim(path, replace(path, '/', ''))) || coalesce(substr(taken, 1, 15), path) as occasion
    from (
        select
            photo, machine, reviewed, max(is_right) as is_right,
            max(name is not null and scientific_name is null) as is_typed
        from review where machine <> '' and (not ? or photo in (select photo from review where drawn)) group by photo, reviewer
    ) join photo on photo.id = photo group by photo
) where is_right or not is_typed group by machine order by reviewed desc, machine;

--: reviewed by several
select photo, reviewer, kind, name, scientific_name from review
where photo in (select photo from review group by photo having min(reviewer) <> max(reviewer))
order by photo, reviewer;

--: held by others
select reviewer from hold where photo in (select value from json_each(?)) and holder <> ? and until > ? limit 1;

--: manifest
select path, deployment, place, shift, etag from photo join listed using (path)
where state in ('new', 'touched', 'failed') order by deployment, path;

--: by ids
select id, path, size, modified, checksum, place, shift, taken, latitude, longitude, width, height,
    answer ->> '$.model.name' as model
from photo where id in (select value from json_each(?))
