-- A results file: a row for every photo that was found, with its answer once there is one, so that the next run after a kill
-- knows what is left. `faunalens` writes it with write-ahead logging, so other programs may read it meanwhile.

create table if not exists study (
    name    text primary key,
    value   text not null
) strict, without rowid;

-- The deployments of the last run with --deployments, in the file's order. `fields`: the row as JSON.
create table if not exists deployment (
    id      text primary key,
    number  integer not null,
    fields  text not null
) strict, without rowid;

create table if not exists photo (
    id          integer primary key,
    path        text not null unique,       -- below the study's folder, with /
    size        integer not null,           -- bytes
    modified    integer not null,           -- ns since 1970
    checksum    integer,                    -- CRC-32 of the bytes that were read, or of S3's ETag of them
    deployment  text,
    place       text not null,              -- what said where: 'LAT,LON', 'exif' or 'none'
    shift       real not null default 0,    -- seconds to add to the camera's clock
    state       text not null default 'new'
                check (state in ('new', 'touched', 'done', 'unreadable', 'failed')),
    taken       text,                       -- the camera's clock, 'YYYY-MM-DD HH:MM:SS', and its offset if EXIF has one
    latitude    real,                       -- what was used: of the deployment, the command or EXIF
    longitude   real,
    width       integer,                    -- pixels, as stored
    height      integer,
    answer      text,                       -- the body of POST /identify, as JSON
    code        text,                       -- of the error
    detail      text,
    identified  text                        -- UTC, ISO 8601
) strict;

create index if not exists photo_left on photo (id) where state in ('new', 'touched', 'failed');

-- With these, `faunalens status` does not read the answers, which are most of the file.
create index if not exists photo_state on photo (state);
create index if not exists photo_fault on photo (path) where code is not null;
create index if not exists photo_bytes on photo (deployment, size, checksum)
    where answer is not null and checksum is not null;
create index if not exists photo_untimed on photo (id) where answer is not null and taken is null;
create index if not exists photo_clock on photo (path, deployment, taken, shift) where answer is not null;
create index if not exists photo_models on photo (
    answer ->> '$.model.name', answer ->> '$.model.version', answer ->> '$.model.packs', answer ->> '$.animals' is not null
) where answer is not null;

-- What people said about photos: a row for each observation of a reviewer. The newest opinion on a photo is the one that
-- counts. `kind`, `sex`, `life_stage`, `behavior`: as in Camtrap DP. `machine`: the scientific name or the kind that the
-- machine had said, or empty if none had looked. `drawn`: whether the photo was drawn at random, so that its review counts for precision.
-- An animal without `scientific_name` has the name that was typed.
create table if not exists review (
    photo           integer not null references photo,
    reviewer        text not null,
    number          integer not null,       -- of the reviewer's observations of this photo, from 1
    kind            text not null check (kind in ('animal', 'human', 'vehicle', 'blank', 'unknown')),
    name            text,
    scientific_name text,
    rank            text,
    count           integer check (count > 0),
    sex             text check (sex in ('female', 'male')),
    life_stage      text check (life_stage in ('adult', 'subadult', 'juvenile')),
    behavior        text,
    note            text,
    machine         text not null,
    is_right        integer not null,       -- 1: the machine was
    drawn           integer not null,
    reviewed        text not null,          -- UTC, ISO 8601; of all observations of an opinion the same
    primary key (photo, reviewer, number)
) strict, without rowid;

-- Where people split events or merged them. `starts`: 1 if the photo begins an event, 0 if it is one with the photo before.
create table if not exists boundary (
    photo   integer primary key references photo,
    starts  integer not null check (starts in (0, 1))
) strict;

-- Photos of the events that people are reviewing, so that no two people review the same. `holder`: a browser.
create table if not exists hold (
    photo       integer primary key references photo,
    holder      text not null,
    reviewer    text not null,
    until       real not null               -- seconds since 1970
) strict;
