DROP TABLE ix_composite;
DROP TABLE ix_number;
DROP TABLE ix_quantity;
DROP TABLE ix_position;
DROP INDEX resource_type_rid;
