// A customer's own doors: the token says who, its row says whether it still counts, row-level security shows nobody else's rows.
// All of that is one statement, the one that JKLG sends; a verified token is never remembered, as JKLG remembers none.
import { createHmac } from 'node:crypto';
import { Refusal } from './trade.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function openCustomers(createVerifier, { pool, statements }) {
  const key = createHmac('sha256', process.env.JWT_SECRET).update('jwt\0jklg:customer').digest();
  const verify = createVerifier({ key, algorithms: ['HS256'], allowedAud: 'jklg:customer', requiredClaims: ['sub', 'sid', 'exp'], cache: false });

  function visitor(authorization) {
    if (authorization !== undefined && authorization.startsWith('Bearer ')) {
      try {
        return verify(authorization.slice(7));
      } catch {}
    }
    throw notSignedIn();
  }

  // The answer is JSON that the database has made ready.
  async function ask(name, values) {
    try {
      return (await pool.query({ name, text: statements[name], values, rowMode: 'array' })).rows[0][0];
    } catch (error) {
      if (error.code === 'JK401') throw notSignedIn();
      throw error;
    }
  }

  function me(authorization) {
    const { sub, sid } = visitor(authorization);
    return ask('me', [sub, sid]);
  }

  function bookings(authorization, customer) {
    const { sub, sid } = visitor(authorization);
    if (!UUID.test(customer) || customer.toLowerCase() !== sub) throw new Refusal(404, 'customer_not_found', 'There is no such customer.');
    return ask('customer_bookings', [sub, sid]);
  }

  return { me, bookings };
}

function notSignedIn() {
  return new Refusal(401, 'not_signed_in', 'Please sign in first.');
}
