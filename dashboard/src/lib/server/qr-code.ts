import { encode } from 'uqr';

/** A QR code as one path in a square of `size` units. It is drawn on the server, so the page needs no script for it. */
export interface QrCode {
  size: number;
  path: string;
}

/** The quiet zone of the standard, in modules. */
const BORDER = 4;

export const drawQrCode = (text: string): QrCode => {
  const { size, data } = encode(text, { ecc: 'M', border: BORDER });
  const path = data
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('');
  return { size, path };
};
