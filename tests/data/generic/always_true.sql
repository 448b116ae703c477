{% test always_true(model, conditions) %}
-- Rows for which one of these conditions is false. As in a CHECK constraint, a condition that is null passes.
select * -- noqa: AM04
from {{ model }}
where not ({{ conditions | join(') or not (') }})
{% endtest %}
