/* Suggestions for paths that lead nowhere. */
#ifndef NETC_NEAR_FILE_H
#define NETC_NEAR_FILE_H
/* A malloc'd line of help for the path of a file that is not there: the file beside it that may be
   meant, or the folder that is missing already; NULL if there is nothing to say. */
char *absent_file_help(const char *path);
#endif
