/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of Wireshark that both halves need, in the one order that works. */

#ifndef VPCMIRROR_WIRESHARK_H
#define VPCMIRROR_WIRESHARK_H

#include <wireshark.h> /* first: it defines what the others take for granted */

#include <epan/packet.h>
#include <epan/proto.h>
#include <epan/expert.h>
#include <epan/prefs.h>
#include <epan/stats_tree.h>
#include <epan/tap.h>

#endif
