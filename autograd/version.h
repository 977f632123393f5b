/* version.h - the one place where the version stands; soname, pkg-config file and CHANGELOG are checked against it. */
#ifndef AG_VERSION_H
#define AG_VERSION_H
#include <autograd/base.h>

#define AG_VERSION_MAJOR 0
#define AG_VERSION_MINOR 1
#define AG_VERSION_PATCH 0

#define AG__TEXT_(x) #x
#define AG__TEXT(x) AG__TEXT_(x)
#define AG_VERSION AG__TEXT(AG_VERSION_MAJOR) "." AG__TEXT(AG_VERSION_MINOR) "." AG__TEXT(AG_VERSION_PATCH)

AG_BEGIN
/* The version of the library one runs with, as AG_VERSION is that of the headers one compiled with. */
AG_API const char *ag_version(void);
AG_END

#endif
