import type {
  ApiKeyWithSecret,
  Invitation,
  InvitationWithToken,
  ListInvitations,
  NewInvitation,
} from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { type IdempotentOptions, Resource } from '../requests.ts';
import { id } from '../transport.ts';

export interface RedeemOptions extends RequestOptions {
  /** A secret random text of 32 characters or more. The same one gets the same key again. Default: a new one. */
  nonce?: string | undefined;
}

/** Invitations to an account and a key. All but `redeem` require an administrator's API key. */
export class Invitations extends Resource {
  /** Creates an invitation. Save its token or `link(token)`: no later answer shows it. Retries get the same one. */
  create(invitation: NewInvitation = {}, options: IdempotentOptions = {}): Promise<InvitationWithToken> {
    return this.requests.create('/v1/invitations', invitation, options);
  }

  /** Returns the link to give to people. The token is in its fragment, which browsers send to no server. */
  link(token: string): string {
    return `${this.requests.baseUrl}/join#${token}`;
  }

  list(query: ListInvitations = {}, options?: RequestOptions): Paged<Invitation> {
    return this.requests.list('/v1/invitations', query, options);
  }

  get(invitationId: string, options?: RequestOptions): Promise<Invitation> {
    return this.requests.get(`/v1/invitations/${id(invitationId)}`, options);
  }

  /** Revokes the invitation. Keys that came of it stay. */
  revoke(invitationId: string, options?: RequestOptions): Promise<Invitation> {
    return this.requests.send({ method: 'DELETE', path: `/v1/invitations/${id(invitationId)}` }, options);
  }

  /** Joins: returns an account's key with its secret. Requires no API key. Retries get the same key. */
  redeem(
    token: string,
    { nonce = randomNonce(), ...options }: RedeemOptions = {},
  ): Promise<ApiKeyWithSecret> {
    return this.requests.post('/v1/invitations/redeem', { token, nonce }, options);
  }
}

const randomNonce = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(32)), byte => byte.toString(16).padStart(2, '0')).join('');
