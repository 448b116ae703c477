{% macro query_comment(node) %}
{#- This comment precedes every statement, so that Athena's query list shows which node of which run it belongs to (pal scanned). -#}
    {{ return(tojson({'app': 'dbt', 'invocation_id': invocation_id, 'node_id': node.unique_id if node else none})) }}
{% endmacro %}
