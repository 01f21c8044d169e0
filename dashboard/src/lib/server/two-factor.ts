import { fail, type RequestEvent } from '@sveltejs/kit';
import { toProof } from '#lib/two-factor/proof.ts';
import { apiFor } from './api.ts';
import { failForm, submit } from './failures.ts';
import { drawQrCode, type QrCode } from './qr-code.ts';
import { readForm } from './read-form.ts';

const fields = ['password', 'code', 'recoveryCode'];

/** The key of an app, as long as it is not confirmed. The form carries it, because the API returns it only once. */
export interface Offer {
  uri: string;
  key: string;
  qrCode: QrCode;
}

/** `undefined` if the field of the form was tampered with. */
const readOffer = (uri: string): Offer | undefined => {
  const key = /^otpauth:\/\/totp\/.{1,900}[?&]secret=([A-Z2-7]{16,64})(&|$)/.exec(uri)?.[1];
  return key === undefined ? undefined : { uri, key, qrCode: drawQrCode(uri) };
};

/** Asks for the password and gets a key. */
export const startTwoFactor = async (event: RequestEvent) => {
  const { password } = await readForm(event.request, ['password']);
  try {
    const { uri } = await apiFor(event).twoFactor.start({ password });
    return { offer: readOffer(uri) };
  } catch (failure) {
    return failForm(event, failure, {}, fields);
  }
};

/** Turns it on. Only this response shows the recovery codes. */
export const confirmTwoFactor = async (event: RequestEvent) => {
  const { code, uri } = await readForm(event.request, ['code', 'uri']);
  try {
    const { recoveryCodes } = await apiFor(event).twoFactor.confirm({ code });
    return { recoveryCodes, isNew: true };
  } catch (failure) {
    const { status, data } = failForm(event, failure, {}, fields);
    return fail(status, { ...data, offer: readOffer(uri) });
  }
};

/** Replaces the recovery codes. Only this response shows the new ones. */
export const renewRecoveryCodes = async (event: RequestEvent) => {
  const { password, code } = await readForm(event.request, ['password', 'code']);
  try {
    const { recoveryCodes } = await apiFor(event).twoFactor.renewRecoveryCodes({
      password,
      ...toProof(code),
    });
    return { recoveryCodes, isNew: false };
  } catch (failure) {
    return failForm(event, failure, {}, fields);
  }
};

export const turnOffTwoFactor = async (event: RequestEvent) => {
  const { password, code } = await readForm(event.request, ['password', 'code']);
  const turnedOff = apiFor(event).twoFactor.turnOff({ password, ...toProof(code) });
  return submit(event, turnedOff, '/settings?done=turnOff#two-factor', { fields });
};

/** The API uses the prefix if the dashboard is served over https. */
const cookieNames = ['__Host-sentryagent-challenge', 'sentryagent-challenge'];

/** Whether this browser has a sign-in that waits for its second factor. */
export const hasChallenge = ({ cookies }: RequestEvent): boolean =>
  cookieNames.some((name) => cookies.get(name));

/** Finishes a sign-in. */
export const finishSignIn = async (event: RequestEvent, destination: string) => {
  const { code } = await readForm(event.request, ['code']);
  return submit(event, apiFor(event).twoFactor.verify(toProof(code)), destination, { fields });
};
