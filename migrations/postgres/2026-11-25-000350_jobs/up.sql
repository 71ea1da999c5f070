-- Work in the background: what is to be done, how far it is, and who does it until when.
CREATE TABLE job (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    status BIGINT NOT NULL,
    input TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    lease_us BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    ended_us BIGINT NOT NULL
);

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
    base TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    fhir_id TEXT COLLATE "C" NOT NULL,
    phase BIGINT NOT NULL,
    job TEXT COLLATE "C" NOT NULL,
    definition TEXT COLLATE "C" NOT NULL
);
