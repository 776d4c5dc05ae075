/*
 * Names of files as the most forgiving file systems compare them. Imports nothing: a thread of its own judges paths with
 * this, and should be there at once.
 */

/** A name without case, and without invisible characters (macOS). */
export const foldedName = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase();

/** A name without the dots and spaces at its end (Windows). */
export const withoutTail = (name: string): string => name.replace(/[. ]+$/, '');
