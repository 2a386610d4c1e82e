package folder

import "golang.org/x/sys/unix"

// foreign is the name of the file system of a folder, if other machines may write to it: the kernel tells of no change that
// they make. "" = it tells of all, as far as is known.
func foreign(dir string) string {
	var stat unix.Statfs_t
	if unix.Statfs(dir, &stat) != nil {
		return "" // that the folder cannot be looked at is for the scan to tell
	}
	switch uint32(stat.Type) { //nolint:gosec // magic numbers have 32 bits, whatever the width of the field
	case unix.NFS_SUPER_MAGIC:
		return "NFS"
	case unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		return "SMB"
	case unix.V9FS_MAGIC:
		return "9P"
	case unix.CEPH_SUPER_MAGIC:
		return "Ceph"
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "AFS"
	case unix.CODA_SUPER_MAGIC:
		return "Coda"
	case unix.OCFS2_SUPER_MAGIC:
		return "OCFS2"
	case unix.FUSE_SUPER_MAGIC:
		return "FUSE"
	}
	return ""
}
