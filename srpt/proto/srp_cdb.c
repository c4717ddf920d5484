// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The transfer direction of a CDB.
 *
 * The descriptors say where data may flow, the CDB says where it will; a write
 * command executed with a data-in buffer would store whatever the buffer held.
 * The table is what keeps the two in agreement, so an entry must be right for
 * every device type that uses the operation code: where block, stream, changer
 * and multimedia commands disagree, the entry is missing and the descriptors
 * decide. An entry for a command that moves no data on one of the types is
 * harmless, because such a command comes without a buffer.
 */
#include <linux/kernel.h>
#include "srp_proto.h"

#define SA_MASK			0x1f	/* service action, byte 1 */

#define NONE	(SRP_DIR_NONE + 1)
#define OUT	(SRP_DIR_OUT + 1)
#define IN	(SRP_DIR_IN + 1)
#define LOOK	(SRP_DIR_UNKNOWN + 2)

/* Direction + 1; 0 = unknown. LOOK: other bytes tell, see look(). */
static const u8 opcode_dir[256] = {
	/* 6 bytes: SPC, SBC, SSC, SMC */
	[0x00] = NONE,		/* TEST UNIT READY */
	[0x01] = NONE,		/* REZERO UNIT, REWIND */
	[0x03] = IN,		/* REQUEST SENSE */
	[0x04] = LOOK,		/* FORMAT UNIT */
	[0x05] = IN,		/* READ BLOCK LIMITS */
	[0x07] = OUT,		/* REASSIGN BLOCKS; INITIALIZE ELEMENT STATUS */
	[0x08] = IN,		/* READ(6) */
	[0x0a] = OUT,		/* WRITE(6) */
	[0x0b] = NONE,		/* SEEK(6), SET CAPACITY */
	[0x0f] = IN,		/* READ REVERSE(6) */
	[0x10] = NONE,		/* WRITE FILEMARKS(6) */
	[0x11] = NONE,		/* SPACE(6) */
	[0x12] = IN,		/* INQUIRY */
	[0x13] = LOOK,		/* VERIFY(6) */
	[0x14] = IN,		/* RECOVER BUFFERED DATA */
	[0x15] = OUT,		/* MODE SELECT(6) */
	[0x16] = LOOK,		/* RESERVE(6) */
	[0x17] = NONE,		/* RELEASE(6) */
	[0x18] = OUT,		/* COPY */
	[0x19] = NONE,		/* ERASE(6) */
	[0x1a] = IN,		/* MODE SENSE(6) */
	[0x1b] = NONE,		/* START STOP UNIT, LOAD UNLOAD */
	[0x1c] = IN,		/* RECEIVE DIAGNOSTIC RESULTS */
	[0x1d] = OUT,		/* SEND DIAGNOSTIC */
	[0x1e] = NONE,		/* PREVENT ALLOW MEDIUM REMOVAL */
	/* 10 bytes */
	[0x23] = IN,		/* READ FORMAT CAPACITIES */
	[0x25] = IN,		/* READ CAPACITY(10) */
	[0x28] = IN,		/* READ(10) */
	[0x2a] = OUT,		/* WRITE(10) */
	[0x2b] = NONE,		/* SEEK(10), LOCATE(10), POSITION TO ELEMENT */
	[0x2e] = OUT,		/* WRITE AND VERIFY(10) */
	[0x2f] = LOOK,		/* VERIFY(10) */
	[0x35] = NONE,		/* SYNCHRONIZE CACHE(10) */
	[0x36] = NONE,		/* LOCK UNLOCK CACHE(10) */
	[0x37] = IN,		/* READ DEFECT DATA(10); INITIALIZE ELEMENT STATUS WITH RANGE */
	[0x39] = OUT,		/* COMPARE */
	[0x3a] = OUT,		/* COPY AND VERIFY */
	[0x3b] = OUT,		/* WRITE BUFFER */
	[0x3c] = IN,		/* READ BUFFER(10) */
	[0x3e] = IN,		/* READ LONG(10) */
	[0x3f] = OUT,		/* WRITE LONG(10) */
	[0x40] = OUT,		/* CHANGE DEFINITION */
	[0x41] = OUT,		/* WRITE SAME(10) */
	[0x42] = LOOK,		/* UNMAP, READ SUB-CHANNEL */
	[0x43] = IN,		/* READ TOC/PMA/ATIP */
	[0x44] = IN,		/* REPORT DENSITY SUPPORT, READ HEADER */
	[0x45] = NONE,		/* PLAY AUDIO(10) */
	[0x46] = IN,		/* GET CONFIGURATION */
	[0x47] = NONE,		/* PLAY AUDIO MSF */
	[0x48] = LOOK,		/* SANITIZE */
	[0x4a] = IN,		/* GET EVENT STATUS NOTIFICATION */
	[0x4b] = NONE,		/* PAUSE/RESUME */
	[0x4c] = OUT,		/* LOG SELECT */
	[0x4d] = IN,		/* LOG SENSE */
	[0x4e] = NONE,		/* STOP PLAY/SCAN */
	[0x50] = OUT,		/* XDWRITE(10) */
	[0x52] = IN,		/* XDREAD(10), READ TRACK INFORMATION */
	[0x54] = OUT,		/* SEND OPC INFORMATION */
	[0x55] = OUT,		/* MODE SELECT(10) */
	[0x56] = LOOK,		/* RESERVE(10) */
	[0x57] = LOOK,		/* RELEASE(10) */
	[0x5a] = IN,		/* MODE SENSE(10) */
	[0x5b] = NONE,		/* CLOSE TRACK/SESSION */
	[0x5c] = IN,		/* READ BUFFER CAPACITY */
	[0x5d] = OUT,		/* SEND CUE SHEET */
	[0x5e] = IN,		/* PERSISTENT RESERVE IN */
	[0x5f] = OUT,		/* PERSISTENT RESERVE OUT */
	[0x83] = LOOK,		/* EXTENDED COPY */
	/* 16 bytes */
	[0x84] = IN,		/* RECEIVE COPY RESULTS */
	[0x85] = LOOK,		/* ATA PASS-THROUGH(16) */
	[0x86] = IN,		/* ACCESS CONTROL IN */
	[0x87] = OUT,		/* ACCESS CONTROL OUT */
	[0x88] = IN,		/* READ(16) */
	[0x89] = OUT,		/* COMPARE AND WRITE */
	[0x8a] = OUT,		/* WRITE(16) */
	[0x8b] = OUT,		/* ORWRITE(16) */
	[0x8c] = IN,		/* READ ATTRIBUTE */
	[0x8d] = OUT,		/* WRITE ATTRIBUTE */
	[0x8e] = OUT,		/* WRITE AND VERIFY(16) */
	[0x8f] = LOOK,		/* VERIFY(16) */
	[0x90] = NONE,		/* PRE-FETCH(16) */
	[0x91] = NONE,		/* SYNCHRONIZE CACHE(16), SPACE(16) */
	[0x92] = NONE,		/* LOCK UNLOCK CACHE(16), LOCATE(16) */
	[0x93] = LOOK,		/* WRITE SAME(16) */
	[0x94] = NONE,		/* ZBC OUT */
	[0x95] = IN,		/* ZBC IN */
	[0x9b] = IN,		/* READ BUFFER(16) */
	[0x9c] = OUT,		/* WRITE ATOMIC(16) */
	[0x9e] = LOOK,		/* SERVICE ACTION IN(16) */
	[0x9f] = LOOK,		/* SERVICE ACTION OUT(16) */
	/* 12 bytes */
	[0xa0] = IN,		/* REPORT LUNS */
	[0xa1] = LOOK,		/* ATA PASS-THROUGH(12) */
	[0xa2] = IN,		/* SECURITY PROTOCOL IN */
	[0xa3] = LOOK,		/* MAINTENANCE IN */
	[0xa4] = LOOK,		/* MAINTENANCE OUT */
	[0xa5] = NONE,		/* MOVE MEDIUM, PLAY AUDIO(12) */
	[0xa6] = NONE,		/* EXCHANGE MEDIUM, LOAD/UNLOAD MEDIUM */
	[0xa7] = NONE,		/* SET READ AHEAD */
	[0xa8] = IN,		/* READ(12) */
	[0xaa] = OUT,		/* WRITE(12) */
	[0xab] = LOOK,		/* SERVICE ACTION IN(12) */
	[0xad] = IN,		/* READ DISC STRUCTURE */
	[0xae] = OUT,		/* WRITE AND VERIFY(12) */
	[0xaf] = LOOK,		/* VERIFY(12) */
	[0xb4] = IN,		/* READ ELEMENT STATUS ATTACHED */
	[0xb6] = OUT,		/* SEND VOLUME TAG, SET STREAMING */
	[0xb7] = IN,		/* READ DEFECT DATA(12) */
	[0xb8] = IN,		/* READ ELEMENT STATUS */
	[0xb9] = IN,		/* READ CD MSF */
	[0xbd] = IN,		/* MECHANISM STATUS */
	[0xbe] = IN,		/* READ CD */
	[0xbf] = OUT,		/* SEND DISC STRUCTURE */
};

/*
 * Missing on purpose:
 *  34h	PRE-FETCH(10): none; READ POSITION: in
 *  51h	XPWRITE(10): out; READ DISC INFORMATION: in
 *  53h	XDWRITEREAD(10): both
 *  80h	XDWRITE EXTENDED(16): out; WRITE FILEMARKS(16): none
 *  81h	REBUILD(16): out; READ REVERSE(16): in
 *  ACh	ERASE(12): none; GET PERFORMANCE: in
 *  B5h	SECURITY PROTOCOL OUT: out; REQUEST VOLUME ELEMENT ADDRESS: in
 * and everything vendor specific.
 */

static enum srp_dir out_if(bool condition)
{
	return condition ? SRP_DIR_OUT : SRP_DIR_NONE;
}

/* FMTDATA of a disk; FORMAT MEDIUM of a tape has a transfer length (bytes 3 and 4) instead. */
static enum srp_dir format_unit(const u8 *cdb)
{
	if (cdb[1] & 0x10)
		return SRP_DIR_OUT;
	return cdb[3] || cdb[4] ? SRP_DIR_UNKNOWN : SRP_DIR_NONE;
}

/* SPC-4, EXTENDED COPY and the commands that share its operation code. */
static enum srp_dir third_party_copy_out(u8 action)
{
	return out_if(action != 0x1c);	/* COPY OPERATION ABORT */
}

/* SBC-3. SBC-4 added actions that move nothing. */
static enum srp_dir service_action_in_16(u8 action)
{
	switch (action) {
	case 0x10:	/* READ CAPACITY(16) */
	case 0x11:	/* READ LONG(16) */
	case 0x12:	/* GET LBA STATUS */
	case 0x13:	/* REPORT REFERRALS */
	case 0x14:	/* STREAM CONTROL */
	case 0x16:	/* GET STREAM STATUS */
	case 0x17:	/* GET PHYSICAL ELEMENT STATUS */
		return SRP_DIR_IN;
	case 0x15:	/* BACKGROUND CONTROL */
	case 0x18:	/* REMOVE ELEMENT AND TRUNCATE */
	case 0x19:	/* RESTORE ELEMENTS AND REBUILD */
		return SRP_DIR_NONE;
	}
	return SRP_DIR_UNKNOWN;
}

/* WRITE LONG(16) is the only common one. */
static enum srp_dir service_action_out_16(u8 action)
{
	return action == 0x11 ? SRP_DIR_OUT : SRP_DIR_UNKNOWN;
}

/* Service action 0 is the multimedia SEND KEY (out) and REPORT KEY (in): the other way round. */
static enum srp_dir maintenance(u8 action, enum srp_dir dir)
{
	return action >= 0x01 && action <= 0x10 ? dir : SRP_DIR_UNKNOWN;
}

/* SBC-4 SANITIZE */
static enum srp_dir sanitize(u8 action)
{
	switch (action) {
	case 0x01:	/* OVERWRITE */
		return SRP_DIR_OUT;
	case 0x02:	/* BLOCK ERASE */
	case 0x03:	/* CRYPTOGRAPHIC ERASE */
	case 0x1f:	/* EXIT FAILURE MODE */
		return SRP_DIR_NONE;
	}
	return SRP_DIR_UNKNOWN;
}

/* SAT: T_LENGTH 0 = no data, T_DIR 1 = from the device. */
static enum srp_dir ata_pass_through(u8 flags)
{
	if (!(flags & 0x03))
		return SRP_DIR_NONE;
	return flags & 0x08 ? SRP_DIR_IN : SRP_DIR_OUT;
}

/* UNMAP has these bytes reserved; READ SUB-CHANNEL (in) asks for a page there. */
static enum srp_dir unmap(const u8 *cdb)
{
	return cdb[2] || cdb[3] ? SRP_DIR_UNKNOWN : SRP_DIR_OUT;
}

/* SBC-3: commands of 32 bytes. The flags of the short forms are in byte 10. */
static enum srp_dir variable_length(const u8 *cdb, u16 cdb_len)
{
	if (cdb_len < 11)
		return SRP_DIR_UNKNOWN;
	switch (cdb[8] << 8 | cdb[9]) {
	case 0x0003:	/* XDREAD(32) */
	case 0x0009:	/* READ(32) */
	case 0x0012:	/* GET LBA STATUS(32) */
		return SRP_DIR_IN;
	case 0x0004:	/* XDWRITE(32) */
	case 0x0006:	/* XPWRITE(32) */
	case 0x000b:	/* WRITE(32) */
	case 0x000c:	/* WRITE AND VERIFY(32) */
	case 0x000e:	/* ORWRITE(32) */
		return SRP_DIR_OUT;
	case 0x000a:	/* VERIFY(32): BYTCHK */
		return out_if(cdb[10] & 0x06);
	case 0x000d:	/* WRITE SAME(32): NDOB */
		return out_if(!(cdb[10] & 0x01));
	}
	return SRP_DIR_UNKNOWN;
}

/* Operation codes of which other bytes tell the direction; 16 bytes at @cdb. */
static enum srp_dir look(const u8 *cdb)
{
	u8 action = cdb[1] & SA_MASK;

	switch (cdb[0]) {
	case 0x04:
		return format_unit(cdb);
	case 0x13:	/* VERIFY(6): BYTCMP */
		return out_if(cdb[1] & 0x02);
	case 0x2f:	/* VERIFY(10), (16), (12): BYTCHK */
	case 0x8f:
	case 0xaf:
		return out_if(cdb[1] & 0x06);
	case 0x42:
		return unmap(cdb);
	case 0x48:
		return sanitize(action);
	case 0x16:	/* RESERVE(6), (10), RELEASE(10): LONGID, EXTENT */
	case 0x56:
	case 0x57:
		return out_if(cdb[1] & 0x03);
	case 0x83:
		return third_party_copy_out(action);
	case 0x85:
	case 0xa1:
		return ata_pass_through(cdb[2]);
	case 0x93:	/* WRITE SAME(16): NDOB */
		return out_if(!(cdb[1] & 0x01));
	case 0x9e:
		return service_action_in_16(action);
	case 0x9f:
		return service_action_out_16(action);
	case 0xa3:
		return maintenance(action, SRP_DIR_IN);
	case 0xa4:
		return maintenance(action, SRP_DIR_OUT);
	case 0xab:	/* READ MEDIA SERIAL NUMBER */
	default:	/* that is all of them */
		return action == 0x01 ? SRP_DIR_IN : SRP_DIR_UNKNOWN;
	}
}

enum srp_dir srp_cdb_dir(const u8 *cdb, u16 cdb_len)
{
	u8 dir;

	if (cdb_len && cdb[0] == 0x7f)
		return variable_length(cdb, cdb_len);
	if (cdb_len < SRP_CDB_LEN)
		return SRP_DIR_UNKNOWN;
	dir = opcode_dir[cdb[0]];
	if (dir == LOOK)
		return look(cdb);
	return dir ? (enum srp_dir)(dir - 1) : SRP_DIR_UNKNOWN;
}

static u64 get_be32(const u8 *p)
{
	return (u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

u64 srp_cdb_blocks(const u8 *cdb, u16 cdb_len)
{
	if (cdb_len < SRP_CDB_LEN)
		return 0;
	switch (cdb[0]) {
	case 0x88:	/* READ(16), WRITE(16), ORWRITE(16), WRITE AND VERIFY(16), VERIFY(16) */
	case 0x8a:
	case 0x8b:
	case 0x8e:
		return get_be32(cdb + 10);
	case 0x8f:
		return cdb[1] & 0x06 ? get_be32(cdb + 10) : 0;
	case 0xa8:	/* READ(12), WRITE(12), WRITE AND VERIFY(12), VERIFY(12) */
	case 0xaa:
	case 0xae:
		return get_be32(cdb + 6);
	case 0xaf:
		return cdb[1] & 0x06 ? get_be32(cdb + 6) : 0;
	case 0x7f:	/* READ(32), WRITE(32), WRITE AND VERIFY(32), ORWRITE(32) */
		if (cdb_len < 32 || cdb[8])
			return 0;
		switch (cdb[9]) {
		case 0x09:
		case 0x0b:
		case 0x0c:
		case 0x0e:
			return get_be32(cdb + 28);
		}
	}
	return 0;
}
