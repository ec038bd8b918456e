-- Read a results file of version 1, which has one review a photo, and turn it into one of version 2.

--: read
create temp view review as
select
    photo, reviewer, 1 as number, kind, name, scientific_name, rank, null as count, null as sex, null as life_stage,
    null as behavior, null as note, machine, is_right, drawn, reviewed
from main.review;
create temp table boundary (photo integer primary key, starts integer);

--: begin
alter table review rename to review_1;

--: end
insert into review
select
    photo, reviewer, 1, kind, name, scientific_name, rank, null, null, null, null, null, machine, is_right, drawn, reviewed
from review_1;
drop table review_1;
