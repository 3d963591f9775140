/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/version.h -- which version of everything this program is.
 *
 * N and N-1 live in one world while clusters are upgraded one after the other
 * (docs/adr/0010). So that this can be tried before there is an N, the build
 * makes the core a second time with MC_NEXT: the version after this one, which
 * nobody installs. Nothing outside the core is compiled twice; therefore these
 * are variables and not macros.
 */
#ifndef MCOS_BASE_VERSION_H
#define MCOS_BASE_VERSION_H

/* The greatest record format that is read and written; those below it are, too. */
extern const unsigned mc_format_max;
/* The protocol that is spoken (docs/protocol.md, P12). */
extern const unsigned mc_protocol_max;
/* As people call it: "0.1.0". */
extern const char mc_program_version[];

#define MC_FORMAT_FIRST   1u  /* every program reads and writes it */
#define MC_PROGRAM_BYTES  32u /* of a program's version on the wire, NUL included */
#define MC_PROTOCOL_FIRST 1u

#endif /* MCOS_BASE_VERSION_H */
