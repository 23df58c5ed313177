/* Folders of WAV files as a data set, one folder a class; or one file, to be told. */
#ifndef NETC_SOUND_DATA_H
#define NETC_SOUND_DATA_H
#include "match.h"

/* Does some folder in it hold a WAV file? */
bool sound_folder(const char *folder);
/* Fields "sound" and, of a folder, "labels" with their names. bands: log-mel (log_mel.h), the field
   is bands x frames; 0: the sound itself. The length is what `port` takes (NULL: that of the
   longest sound, at most 10 seconds): longer ones are cut, shorter ones go on with silence. rate:
   what the network was trained on; 0: that of the first file, which is noted in *out. NULL, or a
   sentence. */
char *sounds_open(const char *path, int bands, int rate, const data_port *port, field_set *out);
#endif
