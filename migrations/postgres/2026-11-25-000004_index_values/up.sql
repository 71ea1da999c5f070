-- Type? without _sort, in the order of rid.
CREATE INDEX resource_type_rid ON resource (type_id, rid);

-- Numbers and ranges.
CREATE TABLE ix_number (
    p BIGINT NOT NULL,
    lo DOUBLE PRECISION NOT NULL,
    hi DOUBLE PRECISION NOT NULL,
    rid BIGINT NOT NULL
);
-- Type?number=.
CREATE INDEX ix_number_value ON ix_number (p, lo, hi, rid);
-- Probes (EXISTS), :missing, and deletes when the resource changes.
CREATE INDEX ix_number_rid ON ix_number (rid, p);

-- Quantities as written and in the canonical unit; code, unit and canonical_unit are keys, 0 for none.
CREATE TABLE ix_quantity (
    p BIGINT NOT NULL,
    lo DOUBLE PRECISION NOT NULL,
    hi DOUBLE PRECISION NOT NULL,
    code BIGINT NOT NULL,
    unit BIGINT NOT NULL,
    canonical_unit BIGINT NOT NULL,
    canonical_lo DOUBLE PRECISION NOT NULL,
    canonical_hi DOUBLE PRECISION NOT NULL,
    rid BIGINT NOT NULL
);
-- Type?quantity=.
CREATE INDEX ix_quantity_value ON ix_quantity (p, lo, hi, rid);
-- Probes (EXISTS), :missing, and deletes when the resource changes.
CREATE INDEX ix_quantity_rid ON ix_quantity (rid, p);

-- Positions on the earth.
CREATE TABLE ix_position (
    p BIGINT NOT NULL,
    latitude DOUBLE PRECISION NOT NULL,
    longitude DOUBLE PRECISION NOT NULL,
    rid BIGINT NOT NULL
);
-- Location?near=.
CREATE INDEX ix_position_value ON ix_position (p, latitude, longitude, rid);
-- Probes (EXISTS), :missing, and deletes when the resource changes.
CREATE INDEX ix_position_rid ON ix_position (rid, p);

-- Composites: the values of up to three components of one element. What a column of a component holds depends on its
-- kind: keys, instants or units (a, b, c), bounds as written (x, y) and canonical (u, w), text (t).
CREATE TABLE ix_composite (
    p BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    components BIGINT NOT NULL,
    a0 BIGINT NOT NULL,
    b0 BIGINT NOT NULL,
    c0 BIGINT NOT NULL,
    x0 DOUBLE PRECISION NOT NULL,
    y0 DOUBLE PRECISION NOT NULL,
    u0 DOUBLE PRECISION NOT NULL,
    w0 DOUBLE PRECISION NOT NULL,
    t0 TEXT COLLATE "C" NOT NULL,
    a1 BIGINT NOT NULL,
    b1 BIGINT NOT NULL,
    c1 BIGINT NOT NULL,
    x1 DOUBLE PRECISION NOT NULL,
    y1 DOUBLE PRECISION NOT NULL,
    u1 DOUBLE PRECISION NOT NULL,
    w1 DOUBLE PRECISION NOT NULL,
    t1 TEXT COLLATE "C" NOT NULL,
    a2 BIGINT NOT NULL,
    b2 BIGINT NOT NULL,
    c2 BIGINT NOT NULL,
    x2 DOUBLE PRECISION NOT NULL,
    y2 DOUBLE PRECISION NOT NULL,
    u2 DOUBLE PRECISION NOT NULL,
    w2 DOUBLE PRECISION NOT NULL,
    t2 TEXT COLLATE "C" NOT NULL
);
-- Type?composite=a$b.
CREATE INDEX ix_composite_value ON ix_composite (p, a0, rid);
-- Probes and deletes.
CREATE INDEX ix_composite_rid ON ix_composite (rid, p);
