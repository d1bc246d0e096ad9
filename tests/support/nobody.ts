/** The user of Unix who owns nothing. */
export const nobody = 65534;

export const isRoot = process.getuid?.() === 0;

/** Whether this process may become `nobody`. Root may, but not where that user does not exist (`unshare -r`). */
export const canBecomeNobody = isRoot && canBecome(nobody);

if (isRoot && !canBecomeNobody) {
  // eslint-disable-next-line no-console
  console.warn('skipping what is tried as another user: there is none but root in this user namespace');
}

function canBecome(user: number): boolean {
  try {
    process.seteuid!(user);
    process.seteuid!(0);
    return true;
  } catch {
    return false;
  }
}
