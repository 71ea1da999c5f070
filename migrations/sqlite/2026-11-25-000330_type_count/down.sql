DROP TABLE type_count;
