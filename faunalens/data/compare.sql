-- How the ranges of animals differ in two datasets: cells that are listed in one of them only, or in both, and weights.
with old as (select cell, animal, weight from cell_animal where dataset = %(old)s and weight >= %(listed)s),
    new as (select cell, animal, weight from cell_animal where dataset = %(new)s and weight >= %(listed)s),
    named as (
        select distinct on (animal) animal, taxon, name from animal where dataset in (%(old)s, %(new)s)
        order by animal, dataset desc
    ),
    changed as (
        select
            coalesce(old.animal, new.animal) as animal,
            array_agg(new.cell) filter (where old.cell is null) as gained,
            array_agg(old.cell) filter (where new.cell is null) as lost,
            array_agg(new.cell) filter (where old.cell is not null and new.cell is not null) as kept,
            count(*) filter (where old.weight < new.weight) as higher,
            count(*) filter (where old.weight > new.weight) as lower
        from old full join new on old.cell = new.cell and old.animal = new.animal
        group by 1
    )
select taxon, name, coalesce(gained, '{}'), coalesce(lost, '{}'), coalesce(kept, '{}'), higher, lower
from changed natural join named
where gained is not null or lost is not null or higher > 0 or lower > 0
order by coalesce(cardinality(gained), 0) + coalesce(cardinality(lost), 0) desc, higher + lower desc, taxon
