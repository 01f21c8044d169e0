const problems = {
  origin_not_allowed: {
    status: 403,
    title: 'Origin not allowed',
    detail: 'This request came from another origin. Open the dashboard at its own URL and try again.',
  },
  content_too_large: { status: 413, title: 'The body is too large', detail: 'Send at most 64 KiB.' },
  service_unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    detail: 'Please try again in a moment.',
  },
} as const;

/** RFC 9457, like the API. kit shows `message` for a rejected form. */
export const problemResponse = (
  code: keyof typeof problems,
  detail: string = problems[code].detail,
): Response => {
  const { status, title } = problems[code];
  return Response.json(
    { type: 'about:blank', title, status, detail, code, message: detail },
    { status, headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' } },
  );
};
