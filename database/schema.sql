-- Faunalens: which animals live in which cell, as versioned datasets of which one is active.
--
-- Safe to run again; needs PostgreSQL 15 or newer. docs/reference/database.md explains the layout and its costs.
--
-- The one query of the request path, one round trip for one cell or for many:
--
--     select cell, version, areas, animals, weights, statuses from features_of(array[590112357393367039])

-- A dataset is loaded beside the active one and then switched to. `dataset` is the partition key of the
-- large tables, so that a load fills fresh tables and a drop removes whole tables.
create table if not exists dataset (
    dataset     smallint generated always as identity primary key,
    version     text not null unique check (version <> ''),
    active      boolean not null default false,
    loaded_at   timestamptz not null default now(),
    cells_loaded integer not null,
    rows_loaded  bigint not null
);

-- At most one active dataset: a switch that would leave two fails.
create unique index if not exists dataset_one_active on dataset (active) where active;

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
    animal          integer not null,
    name            text not null,
    scientific_name text not null,
    rank            text not null,
    kind            text not null check (kind in ('wild', 'domestic', 'cosmopolitan', 'marine', 'extinct')),
    lineage         text[] not null,    -- scientific names, phylum first
    primary key (dataset, animal)
);

-- What is claimed about an animal and a country or territory (ISO 3166-1 alpha-2), and by which source.
create table if not exists animal_area (
    dataset     smallint not null,
    animal      integer not null,
    area        text not null,
    status      smallint not null check (status in (1, 2)),
    source      text not null,
    primary key (dataset, animal, area),
    foreign key (dataset, animal) references animal on delete cascade,
    foreign key (dataset, source) references source on delete cascade
);

create table if not exists cell (
    cell        bigint not null,        -- H3 cell
    dataset     smallint not null,
    coast       boolean not null,       -- touches the sea's shore, or a cell beside it does
    areas       text[] not null,        -- every country or territory that touches the cell, sorted
    primary key (cell, dataset)
) partition by list (dataset);

-- One row an animal and cell. The key leads with the cell and covers the row, so the animals of a cell are one
-- range of one index, in the order of `animal`, and the table itself is not read. `dataset`, constant within a
-- partition, stands second in the key: first, it would cost 6 bytes a row of padding; last, the range would be
-- a skip scan over animals.
create table if not exists cell_animal (
    cell        bigint not null,
    animal      integer not null,
    weight      real not null check (weight > 0 and weight <= 1),
    dataset     smallint not null,
    status      smallint not null check (status in (1, 2)),    -- 1 native, 2 introduced
    primary key (cell, dataset, animal) include (weight, status)
) partition by list (dataset);

-- Features of cells in the active dataset: one row for each cell asked for, in no set order. A cell without
-- animals, or unknown, has empty arrays, so that the version is always told; no row means that no
-- dataset is active. The three arrays run in parallel, ascending by animal.
--
-- PL/pgSQL, since it keeps its plans for the connection: planning over all partitions would otherwise be most of
-- a query's time. Areas by a subquery, since a join of many cells would read all cells. `stable`, so that all of it sees one snapshot: the version is the rows' own, also during a switch.
create or replace function features_of(cells bigint[])
returns table (
    cell bigint, version text, areas text[], animals integer[], weights real[], statuses smallint[]
)
language plpgsql stable parallel safe
as $$
#variable_conflict use_column
declare
    active record;
begin
    select dataset.dataset, dataset.version into active from dataset where dataset.active;
    if not found then
        return;
    end if;
    return query
        select
            asked.cell,
            active.version,
            coalesce(
                (
                    select place.areas
                    from cell as place
                    where place.cell = asked.cell and place.dataset = active.dataset
                ),
                '{}'
            ),
            coalesce(here.animals, '{}'),
            coalesce(here.weights, '{}'),
            coalesce(here.statuses, '{}')
        from unnest(cells) as asked (cell)
        cross join lateral (
            select
                array_agg(living.animal order by living.animal) as animals,
                array_agg(living.weight order by living.animal) as weights,
                array_agg(living.status order by living.animal) as statuses
            from cell_animal as living
            where living.cell = asked.cell and living.dataset = active.dataset
        ) as here;
end
$$;

-- Least privilege: whoever serves requests only reads. A login takes the role with
-- `grant faunalens_reader to LOGIN`; without the right to create roles the grant is left to whoever has it.
do $$
begin
    if not exists (select from pg_roles where rolname = 'faunalens_reader') then
        create role faunalens_reader nologin;
    end if;
    grant usage on schema public to faunalens_reader;
    grant select on dataset, source, taxon, animal, animal_area, cell, cell_animal to faunalens_reader;
    grant execute on function features_of(bigint[]) to faunalens_reader;
exception
    when insufficient_privilege or duplicate_object or unique_violation then
        raise notice 'role faunalens_reader was not set up: %', sqlerrm;
end
$$;
