-- Words of sets that resources share, both by their keys; a set never changes and is never deleted. Which resource has
-- which set stands in ix_token.
CREATE TABLE ix_words (
    words BIGINT NOT NULL,
    word BIGINT NOT NULL,
    -- Whether a set has a word.
    PRIMARY KEY (words, word)
) WITHOUT ROWID;
-- _text=, _content=.
CREATE INDEX ix_words_word ON ix_words (word, words);
