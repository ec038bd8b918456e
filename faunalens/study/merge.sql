-- How `faunalens merge` joins a results file, whose rows are in temporary tables `their_…`, to another one. faunalens/study/moved.py
-- runs these statements by their names.

--: move photos
update their_photo set path = :prefix || path;

--: move deployments
update their_deployment
set fields = json_set(fields, '$.folder', rtrim(:prefix || ltrim(fields ->> 'folder', './'), '/'))
where :prefix <> '' and fields ->> 'folder' <> '';

--: match
-- `same`: photos with the same path and bytes, or with the same bytes if one was moved, so that not both files exist; where
-- a checksum is missing, with the same name, size and time. `other`: photos with the same path but other bytes.
create index temp.by_path on their_photo (path);
create index temp.by_photo on their_review (photo);
create temp table same (theirs integer primary key, ours integer unique);
create temp table other (theirs integer primary key);
insert into other
select theirs.id from their_photo as theirs join photo using (path)
where theirs.size <> photo.size or theirs.checksum <> photo.checksum;
insert into same
select theirs.id, photo.id from their_photo as theirs join photo using (path)
where theirs.id not in (select theirs from other);
insert or ignore into same
select theirs.id, min(photo.id)
from their_photo as theirs join photo on theirs.size = photo.size and coalesce(theirs.checksum = photo.checksum,
    name_of(theirs.path) = name_of(photo.path) and (theirs.modified = photo.modified or theirs.taken = photo.taken))
where theirs.path not in (select path from photo) and photo.path not in (select path from their_photo)
and (is_there(theirs.path) is null or is_there(photo.path) is null)
group by theirs.id;

--: conflict: deployment has other fields; those of the first file stay
select count(*) from their_deployment as theirs join deployment using (id)
where json(theirs.fields) <> json(deployment.fields);

--: conflict: photo has the path of another photo, which stays alone; if the files have different folders, give --root
select count(*) from other;

--: conflict: photo has two opinions of the same reviewer; the newer one stays
select count(*) from (
    select distinct review.photo, theirs.reviewer from their_review as theirs
    join same on same.theirs = theirs.photo
    join review on review.photo = same.ours and review.reviewer = theirs.reviewer
    where review.reviewed <> theirs.reviewed
);

--: conflict: event is split in one file and merged in the other; the first file counts
select count(*) from their_boundary as theirs join same on same.theirs = theirs.photo
join boundary on boundary.photo = same.ours where boundary.starts <> theirs.starts;

--: answers
-- The newest answer stands; any is better than none.
update photo set
    deployment = coalesce(theirs.deployment, photo.deployment), size = theirs.size, modified = theirs.modified,
    checksum = theirs.checksum, place = theirs.place, shift = theirs.shift, state = theirs.state, taken = theirs.taken,
    latitude = theirs.latitude, longitude = theirs.longitude, width = theirs.width, height = theirs.height,
    answer = theirs.answer, code = theirs.code, detail = theirs.detail, identified = theirs.identified
from same join their_photo as theirs on theirs.id = same.theirs
where photo.id = same.ours and (theirs.answer is not null, coalesce(theirs.identified, ''))
    > (photo.answer is not null, coalesce(photo.identified, ''));

--: new
insert into photo (
    path, deployment, size, modified, checksum, place, shift, state, taken, latitude, longitude, width, height, answer, code,
    detail, identified
)
select
    path, deployment, size, modified, checksum, place, shift, state, taken, latitude, longitude, width, height, answer, code,
    detail, identified
from their_photo where id not in (select theirs from same) and id not in (select theirs from other);

--: known
insert into same
select theirs.id, photo.id from their_photo as theirs join photo using (path)
where theirs.id not in (select theirs from same) and theirs.id not in (select theirs from other);
delete from review where exists (
    select 1 from same join their_review as theirs on theirs.photo = same.theirs
    where same.ours = review.photo and theirs.reviewer = review.reviewer and theirs.reviewed > review.reviewed
);

--: observations
insert into review
select
    ours, reviewer, number, kind, name, scientific_name, rank, count, sex, life_stage, behavior, note, machine, is_right,
    drawn, reviewed
from their_review join same on same.theirs = their_review.photo
where (ours, reviewer) not in (select photo, reviewer from review);

--: rest
insert or ignore into boundary
select ours, starts from their_boundary join same on same.theirs = their_boundary.photo;
insert or ignore into deployment
select id, number + (select coalesce(max(number) + 1, 0) from deployment), fields from their_deployment;
drop table temp.same;
drop table temp.other;
drop table temp.their_deployment;
drop table temp.their_photo;
drop table temp.their_review;
drop table temp.their_boundary;
