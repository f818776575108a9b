import { Pager } from './pager.tsx';

export const Only = () => <Pager cursor={undefined} next={null} count={3} noun="keys" />;
export const First = () => <Pager cursor={undefined} next="c2" count={50} noun="keys" />;
export const Last = () => <Pager cursor="c9" next={null} count={1} noun="keys" />;
export const Second = () => <Pager cursor="b" next="c3" count={50} noun="payouts" name="payouts" />;
export const WithJson = () => (
  <Pager
    cursor={undefined}
    next={null}
    count={1}
    noun="keys"
    json={{ value: [{ id: 7 }], path: '/v1/keys' }}
  />
);
