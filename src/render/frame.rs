//! A frame for people: the line that says what it is, the figure, the table, the dump, the unmasking.
