-- Faunalens: which animals live in which cell, as versioned datasets. At most one dataset is active.
--
-- Safe to run again. Needs PostgreSQL 15 or newer. docs/reference/database.md explains the layout and its costs.
--
-- Requests run one query, with one round trip for one cell or for many:
--
--     select cell, version, areas, animals, weights, statuses, unknown, relatives
--     from features_of(array[590112357393367039])

-- A load adds a dataset beside the active one; a switch activates it, for all cells or on trial for a share of them. `dataset` is the partition key of the large
-- tables, so a load fills new tables and a drop removes whole tables.
create table if not exists dataset (
    dataset     smallint generated always as identity primary key,
    version     text not null unique check (version <> ''),
    active      boolean not null default false,
    loaded_at   timestamptz not null default now(),
    cells_loaded integer not null,
    rows_loaded  bigint not null,
    unknown     integer[] not null default '{}',   -- animals without a statement about where they live
    activated_at timestamptz,                       -- the last switch to it
    share       smallint check (share between 1 and 10000),    -- ten thousandths of the cells; null: not on trial
    in_shadow   boolean not null default false,     -- on trial without answering
    switch      bigint not null default 0           -- of the active dataset: number of the last switch
);

-- At most one active dataset: a switch that would leave two fails.
create unique index if not exists dataset_one_active on dataset (active) where active;

-- Numbers the switches, so that a process can tell a later state from an earlier one that was the same.
create sequence if not exists dataset_switch;

create table if not exists source (
    dataset     smallint not null references dataset on delete cascade,
    source      text not null,
    title       text not null,
    citation    text not null,
    licence     text not null,
    primary key (dataset, source)
);

create table if not exists taxon (
    dataset         smallint not null references dataset on delete cascade,
    scientific_name text not null,
    rank            text not null,
    name            text not null,
    primary key (dataset, scientific_name)
);

create table if not exists animal (
    dataset         smallint not null references dataset on delete cascade,
    animal          integer not null,   -- number of the taxon, for the large tables
    taxon           text not null,      -- stable id: the scientific name in lower case with hyphens
    name            text not null,
    scientific_name text not null,
    rank            text not null,
    kind            text not null,      -- of `KINDS` in chalicelib/model/taxonomy.py
    lineage         text[] not null,    -- scientific names, phylum first
    animal_group    text not null default 'other',  -- such as birds
    inaturalist     text,               -- ids elsewhere; null if unknown
    wikidata        text,
    avibase         text,
    ebird           text,
    primary key (dataset, animal)
);

-- An old or other name of an animal, by which a search finds it, too.
create table if not exists other_name (
    dataset     smallint not null,
    animal      integer not null,
    name        text not null,
    source      text not null,
    primary key (dataset, animal, name),
    foreign key (dataset, animal) references animal on delete cascade,
    foreign key (dataset, source) references source on delete cascade
);

-- A source's statement about where an animal lives, in the language of faunalens/data/ranges/language.py.
create table if not exists range_statement (
    dataset     smallint not null,
    animal      integer not null,
    areas       text not null,
    words       text not null default '',   -- the areas in English
    status      text not null check (status in ('native', 'introduced', 'vagrant', 'absent')),
    certainty   text not null check (certainty in ('sure', 'doubt')),
    extent      text not null check (extent in ('throughout', 'within')),
    season      text check (season in ('breeding', 'winter', 'passage')),    -- null: the whole year, or unknown
    source      text not null,
    note        text,
    foreign key (dataset, animal) references animal on delete cascade,
    foreign key (dataset, source) references source on delete cascade
);

create index if not exists range_statement_animal on range_statement (dataset, animal);

-- Where an animal lives, drawn at the load, which takes a hundred times longer than a request may.
create table if not exists range_drawing (
    dataset     smallint not null,
    animal      integer not null,
    outlines    text not null,          -- GeoJSON
    paths       text not null,          -- SVG, for chalicelib/world.svg
    primary key (dataset, animal),
    foreign key (dataset, animal) references animal on delete cascade
);

-- Databases of an earlier release lack columns, have countries instead of statements, and refuse new kinds. `alter
-- table` would lock out the readers of a table until the end of the load even if there is nothing to add, so look first.
do $$
begin
    if not exists (
        select from pg_attribute where attrelid = 'animal'::regclass and attname = 'ebird' and not attisdropped
    ) then
        alter table animal
            add column if not exists taxon text not null default '',
            add column if not exists animal_group text not null default 'other',
            add column if not exists inaturalist text,
            add column if not exists wikidata text,
            add column if not exists avibase text,
            add column if not exists ebird text;
        alter table range_statement add column if not exists words text not null default '';
        drop table if exists animal_area;
    end if;
    if exists (select from pg_constraint where conname = 'animal_kind_check' and conrelid = 'animal'::regclass) then
        alter table animal drop constraint animal_kind_check;
    end if;
end
$$;

create index if not exists animal_taxon on animal (dataset, taxon);

create table if not exists cell (
    cell        bigint not null,        -- H3 cell
    dataset     smallint not null,
    coast       boolean not null,       -- on a sea shore, or sea next to such a cell
    areas       text[] not null,        -- every country or territory that touches the cell, sorted
    relatives   smallint[] not null default '{}',   -- numbers in model/relatives.csv, the most widespread first
    primary key (cell, dataset)
) partition by list (dataset);

-- One row per animal and cell. The primary key starts with the cell and covers the row, so a query reads the animals
-- of a cell as one range of the index, in order of `animal`, without the table. `dataset` is constant within a
-- partition and comes second in the key: as the first column it would add 6 bytes of padding per row; as the last it
-- would turn the range into a skip scan over animals.
create table if not exists cell_animal (
    cell        bigint not null,
    animal      integer not null,
    weight      real not null check (weight > 0 and weight <= 1),
    dataset     smallint not null,
    status      smallint not null check (status in (1, 2)),    -- 1 native, 2 introduced
    primary key (cell, dataset, animal) include (weight, status)
) partition by list (dataset);

-- How much of an animal's weight in a cell each month keeps, where there are enough records to tell: 12 numbers of 8 bits
-- from January on, 255 in its best month. Only with `load --months`; docs/how-to/occurrences.md has the formula.
create table if not exists cell_season (
    cell        bigint not null,
    animal      integer not null,
    dataset     smallint not null,
    months      bytea not null check (length(months) = 12),
    primary key (cell, dataset, animal) include (months)
) partition by list (dataset);

-- Databases of an earlier release lack columns, and their function returns fewer columns than `create or replace` may
-- change. Only then: even `add column if not exists` locks out readers until the end of the load.
do $$
begin
    if to_regprocedure('features_of(bigint[])') is not null then
        alter table dataset
            add column if not exists unknown integer[] not null default '{}',
            add column if not exists activated_at timestamptz,
            add column if not exists share smallint check (share between 1 and 10000),
            add column if not exists in_shadow boolean not null default false,
            add column if not exists switch bigint not null default 0;
        alter table cell add column if not exists relatives smallint[] not null default '{}';
        drop function features_of(bigint[]);
    end if;
end
$$;

-- At most one dataset is on trial.
create unique index if not exists dataset_one_trial on dataset ((true)) where share is not null;

-- Return the bucket of a cell, 0 to 9,999. A trial takes the first buckets. chalicelib/features/cache.py has the same.
create or replace function bucket_of(cell bigint) returns integer
language sql immutable strict parallel safe as 'select (cell % 104729 * 48271 % 104729 * 10000 / 104729)::integer';

-- Return which dataset is active and which one is on trial, as chalicelib/features/cache.py reads it, or null if none
-- is active.
create or replace function rollout_text() returns text
language plpgsql stable parallel safe
as $$
begin
    return jsonb_build_array(
        known.switch, known.version, trial.version, coalesce(trial.share, 0), coalesce(trial.in_shadow, false)
    )::text
    from dataset as known
    left join dataset as trial on trial.share is not null
    where known.active;
end
$$;

-- Return the features of cells: one row per requested cell, in any order. Each is of the dataset that answers for the
-- cell, the active one or the one on trial, or of the dataset `asked`. An unknown cell, or one without animals, has
-- empty arrays, so that its row still carries the version. No rows mean that there is no such dataset. The arrays
-- `animals`, `weights` and `statuses` run in parallel, ascending by animal. `unknown` is the dataset's, and `relatives`
-- the cell's. New columns come last, because the app reads them by position.
--
-- PL/pgSQL keeps its plans for the connection; planning over all partitions would otherwise take most of a query's
-- time. `stable` gives the whole function one snapshot, so the version matches the rows even during a switch.
create or replace function features_of(cells bigint[], asked text default null)
returns table (
    cell bigint, version text, areas text[], animals integer[], weights real[], statuses smallint[],
    unknown integer[], relatives smallint[], rollout text
)
language plpgsql stable parallel safe
as $$
#variable_conflict use_column
declare
    state text := rollout_text();
    chosen record;
begin
    for chosen in
        select
            known.dataset,
            known.version,
            known.unknown,
            case
                when asked is not null or trial.share is null then cells
                else array(
                    select each
                    from unnest(cells) as each
                    where (bucket_of(each) < trial.share) = (known.dataset = trial.dataset)
                )
            end as cells
        from dataset as known
        left join dataset as trial on trial.share is not null and not trial.in_shadow
        where case when asked is null then known.active or known.dataset = trial.dataset else known.version = asked end
    loop
        continue when chosen.cells = '{}';
        return query
            select
                asked_cell,
                chosen.version,
                coalesce(place.areas, '{}'),
                coalesce(here.animals, '{}'),
                coalesce(here.weights, '{}'),
                coalesce(here.statuses, '{}'),
                chosen.unknown,
                coalesce(place.relatives, '{}'),
                state
            from unnest(chosen.cells) as asked_cell
            left join lateral (
                -- `offset 0` keeps the planner from a join that would scan the whole table for many cells.
                select known.areas, known.relatives
                from cell as known
                where known.cell = asked_cell and known.dataset = chosen.dataset
                offset 0
            ) as place on true
            cross join lateral (
                select
                    array_agg(living.animal order by living.animal) as animals,
                    array_agg(living.weight order by living.animal) as weights,
                    array_agg(living.status order by living.animal) as statuses
                from cell_animal as living
                where living.cell = asked_cell and living.dataset = chosen.dataset
            ) as here;
    end loop;
end
$$;

-- Return the seasons of a cell's animals in a dataset: one row, ascending by animal, 12 bytes each. Only requests to a
-- deployment with the setting SEASON_FLOOR below 1 ask for it, in the same query.
create or replace function seasons_of(asked bigint, asked_version text, out animals integer[], out months bytea)
language plpgsql stable parallel safe
as $$
declare
    number smallint := (select dataset.dataset from dataset where dataset.version = asked_version);
begin
    select
        coalesce(array_agg(here.animal order by here.animal), '{}'),
        coalesce(string_agg(here.months, ''::bytea order by here.animal), '')
    into animals, months
    from cell_season as here
    where here.cell = asked and here.dataset = number;
end
$$;

-- `likeness` returns how much a name looks like what somebody typed, from 0 to 1: the share of trigrams of `typed` that
-- a part of `name` has. `names_like` returns the animals of all datasets whose likeness is at least `LIKENESS` of
-- chalicelib/stores/taxa.py. It uses an index, because the likeness to every name takes 0.1 s for a long text; the planner
-- does not know what that costs. Without the extension pg_trgm, a search finds only names that begin like `typed`.
-- pg_trgm is a trusted extension: the owner of a database may create it. Elsewhere an administrator has to, once.
do $$
begin
    create extension if not exists pg_trgm;
    perform show_limit(); -- loads the library; before that, only a superuser may set its threshold, as a function below does
    create or replace function likeness(typed text, name text) returns real
    language sql immutable strict parallel safe as 'select word_similarity(typed, name)';
    create index if not exists animal_names on animal
    using gin (lower(name) gin_trgm_ops, lower(scientific_name) gin_trgm_ops)
    with (fastupdate = off); -- otherwise a search after a load reads a list of all new names, which takes 11 of its 13 ms
    create index if not exists other_name_names on other_name using gin (lower(name) gin_trgm_ops) with (fastupdate = off);
    create or replace function names_like(typed text) returns table (dataset smallint, animal integer)
    language sql stable parallel safe
    set enable_seqscan = off
    set enable_indexscan = off -- for the primary key; the indexes of names serve bitmap scans
    set pg_trgm.word_similarity_threshold = 0.4
    as $body$
        select found.dataset, found.animal from animal as found where lower(found.name) %> typed
        union
        select found.dataset, found.animal from animal as found where lower(found.scientific_name) %> typed
        union
        select found.dataset, found.animal from other_name as found where lower(found.name) %> typed
    $body$;
exception
    when insufficient_privilege or undefined_file or feature_not_supported or undefined_function then
        raise warning 'searches for taxa do not forgive typing errors, because pg_trgm could not be created: %', sqlerrm;
        create or replace function likeness(typed text, name text) returns real
        language sql immutable strict parallel safe as 'select 0::real';
        create or replace function names_like(typed text) returns table (dataset smallint, animal integer)
        language sql stable parallel safe as 'select 0::smallint, 0 where false';
end
$$;

-- Least privilege: the app's login can only read. It gets this role with `grant faunalens_reader to LOGIN`. If the
-- loader may not create roles, this leaves a notice, and an administrator has to create the role.
do $$
begin
    if not exists (select from pg_roles where rolname = 'faunalens_reader') then
        create role faunalens_reader nologin;
    end if;
    grant usage on schema public to faunalens_reader;
    grant select on dataset, source, taxon, animal, other_name, range_statement, range_drawing, cell, cell_animal, cell_season
        to faunalens_reader;
    grant execute on function features_of(bigint[], text), rollout_text(), bucket_of(bigint),
        seasons_of(bigint, text), likeness(text, text), names_like(text) to faunalens_reader;
exception
    when insufficient_privilege or duplicate_object or unique_violation then
        raise notice 'role faunalens_reader was not set up: %', sqlerrm;
end
$$;
