/** Whether webhooks can reach this URL. The stand-in can reach any. */
export const isReachable = (publicUrl: string, stripeApiUrl: string | undefined): boolean => {
  if (stripeApiUrl) return true;
  const { protocol, hostname } = new URL(publicUrl);
  return (
    protocol === 'https:' && !/^(localhost|127\..*|\[::1\]|.*\.(local|localhost|internal))$/.test(hostname)
  );
};
