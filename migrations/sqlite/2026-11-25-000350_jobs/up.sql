-- Work in the background: what is to be done, how far it is, and who does it until when.
CREATE TABLE job (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    status BIGINT NOT NULL,
    input TEXT NOT NULL,
    state TEXT NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    client TEXT NOT NULL,
    owner TEXT NOT NULL,
    lease_us BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    ended_us BIGINT NOT NULL
) WITHOUT ROWID;

-- Under what the index rows are written; one row. The format is that of all rows, wanted that which a job works towards;
-- the generation counts the changes of what is searched by.
CREATE TABLE index_state (
    id BIGINT NOT NULL PRIMARY KEY,
    format BIGINT NOT NULL,
    wanted BIGINT NOT NULL,
    generation BIGINT NOT NULL
);
INSERT INTO index_state (id, format, wanted, generation) VALUES (1, 1, 1, 1);

-- Search parameters of administrators: one row for each type that a SearchParameter names. A number is never used again.
CREATE TABLE custom_parameter (
    number BIGINT NOT NULL PRIMARY KEY,
    base TEXT NOT NULL,
    code TEXT NOT NULL,
    fhir_id TEXT NOT NULL,
    phase BIGINT NOT NULL,
    job TEXT NOT NULL,
    definition TEXT NOT NULL
);
