/* A column of a table whose cells are sentences: read as text, a character after another. */
#ifndef NETC_TEXT_CELLS_H
#define NETC_TEXT_CELLS_H
#include "match.h"

/* The column that is text for these ports: the only one of words among the first n_input, where
   the network takes several whole numbers. Its characters are set, unless known. NULL: none. */
data_field *text_column(field_set *s, int n_input, const data_port *port, int n_port);
/* Its cells in `length` whole numbers each: characters from 1 on, and 0 where the text has ended or
   the character is not known. What is cut is noted in s. */
data_field text_of_cells(field_set *s, const data_field *f, int64_t rows, int64_t length);
/* Characters of the longest cell but for one in twenty; 0: these are no sentences. */
int64_t sentence_length(const data_field *f);
/* The different characters of its words, in the order of Unicode. */
void find_cell_characters(data_field *f);
#endif
