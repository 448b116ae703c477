{% macro query_comment(node) %}
{#- Stands before each statement, so that Athena's list of queries says which node of which run it was (bootstrap.py scanned). -#}
    {{ return(tojson({'app': 'dbt', 'invocation_id': invocation_id, 'node_id': node.unique_id if node else none})) }}
{% endmacro %}
