/** Whether Stripe can send webhooks to this address; the stand-in can send them to any. */
export const isReachable = (publicUrl: string, stripeApiUrl: string | undefined): boolean => {
  if (stripeApiUrl) return true;
  const { protocol, hostname } = new URL(publicUrl);
  return (
    protocol === 'https:' && !/^(localhost|127\..*|\[::1\]|.*\.(local|localhost|internal))$/.test(hostname)
  );
};
