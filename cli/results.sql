-- A results file: every photo that was found, and its answer once there is one. One row a photo, so that a run that was
-- killed knows what is left. `faunalens` writes it with write-ahead logging, and anything may read it meanwhile.

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

-- What a person said about a photo. `kind`: as observationType in Camtrap DP. `machine`: the scientific name or the kind
-- that the machine had said. `drawn`: whether the photo was drawn at random, so that its review counts for precision.
-- An animal without `scientific_name` has the name that was typed.
create table if not exists review (
    photo           integer primary key references photo,
    kind            text not null check (kind in ('animal', 'human', 'vehicle', 'blank', 'unknown')),
    name            text,
    scientific_name text,
    rank            text,
    machine         text not null,
    is_right        integer not null,       -- 1: the machine was
    drawn           integer not null,
    reviewer        text not null,
    reviewed        text not null           -- UTC, ISO 8601
) strict;
