ALTER TABLE ix_reference DROP COLUMN text;
ALTER TABLE ix_token DROP COLUMN text;
