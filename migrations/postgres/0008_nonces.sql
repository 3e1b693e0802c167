-- SQLite packs the nonces of one commit into one row. Here every process must see each of them at once: the table stays as
-- it is, and its rows are written without waiting for the disk (server/pipeline/src/storage/postgres/nonces.rs says why that is safe).
SELECT 1;
