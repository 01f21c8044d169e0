/** Codes of an app are digits. A recovery code has letters, or is no code at all. */
export const toProof = (text: string): { code: string } | { recoveryCode: string } =>
  /^[\d\s]*$/.test(text) ? { code: text } : { recoveryCode: text };
