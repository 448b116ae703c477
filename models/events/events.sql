-- A row is one event, with the column names that the API's logs use. A filter on timestamp limits the days that are read.
{{ config(materialized='view') }}

select
    event_name as "eventName",
    user_id as "userId",
    session_id as "sessionId",
    product_id as "productId",
    status_code as "statusCode",
    latency_ms as "latencyMs",
    -- Quoted: a reserved word on Athena.
    event_at as "timestamp" -- noqa: RF06
from {{ ref('fct_events') }}
