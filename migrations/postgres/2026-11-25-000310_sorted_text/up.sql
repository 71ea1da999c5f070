-- What tokens and references are sorted by: the code as it is compared, the URL of a reference that is not local; empty
-- where nothing sorts by it. It stands in the rows by value alone and is read for the rows of one resource.
ALTER TABLE ix_token ADD COLUMN text TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE ix_reference ADD COLUMN text TEXT COLLATE "C" NOT NULL DEFAULT '';
