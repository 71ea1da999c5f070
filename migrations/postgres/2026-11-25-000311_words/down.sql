DROP TABLE ix_words;
