{% test always_true(model, conditions) %}
-- Rows for which one of these conditions is false. As in a CHECK constraint, a condition that is null because a value is null passes.
select *
from {{ model }}
where not ({{ conditions | join(') or not (') }})
{% endtest %}
