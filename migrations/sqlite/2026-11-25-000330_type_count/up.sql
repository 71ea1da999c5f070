-- How many resources of a type are not deleted, in shards: a writer adds to its own, the sum is the count.
CREATE TABLE type_count (
    type_id BIGINT NOT NULL,
    shard BIGINT NOT NULL,
    living BIGINT NOT NULL,
    -- Type?_total=accurate, Type?_summary=count.
    PRIMARY KEY (type_id, shard)
) WITHOUT ROWID;
INSERT INTO type_count (type_id, shard, living)
SELECT type_id, 0, COUNT(*) FROM resource WHERE method <> 3 GROUP BY type_id;
