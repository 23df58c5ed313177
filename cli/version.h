#ifndef NETC_VERSION_H
#define NETC_VERSION_H
#define NETC_VERSION "0.2.0"
#endif
