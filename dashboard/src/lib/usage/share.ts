import { UNKNOWN } from '#lib/format/unknown.ts';

/** "25 %". Only what is full reads 100 %, and only what is empty reads 0 %. */
export const shareWords = (part: number, whole: number): string => {
  if (part <= 0 || whole <= 0) return '0 %';
  const percent = (part * 100) / whole;
  if (!Number.isFinite(percent)) return UNKNOWN;
  return percent < 1 ? '< 1 %' : `${Math.min(Math.floor(percent), 100)} %`;
};
