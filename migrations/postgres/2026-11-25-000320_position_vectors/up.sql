-- Positions as unit vectors, by which near compares distances without trigonometry. Rows of before get theirs when they are
-- indexed again.
ALTER TABLE ix_position ADD COLUMN x DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE ix_position ADD COLUMN y DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE ix_position ADD COLUMN z DOUBLE PRECISION NOT NULL DEFAULT 0;
