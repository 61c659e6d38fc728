// A staff door: the cookie says who, its row says whether it still counts; then one page of attempts to pay, and how many there are.
// The same statements, in the same database transactions, with the same rights as JKLG's.
import { createHash } from 'node:crypto';
import { Refusal } from './trade.mjs';

const LOOKERS = new Set(['Admin', 'Manager', 'Support']);
const COOKIE = /(?:^|; )jklg_staff=([^;]{1,200})/;
const STATUSES = new Set(['pending', 'processing', 'completed', 'failed', 'refunded', 'partially_refunded']);

export function openStaff({ pool, statements }) {
  async function as(claims, work) {
    const conn = await pool.connect();
    try {
      await conn.query(`BEGIN; SET LOCAL request.jwt.claims = '${JSON.stringify(claims)}'`);
      const found = await work(conn);
      await conn.query('COMMIT');
      return found;
    } finally {
      conn.release();
    }
  }

  async function person(cookie) {
    const token = COOKIE.exec(cookie ?? '')?.[1];
    if (token === undefined) throw new Refusal(401, 'not_signed_in', 'Please sign in first.');
    const hash = createHash('sha256').update(token).digest();
    const found = await as({ role: 'system' }, (conn) => conn.query({ name: 'session', text: statements.staff_session, values: [hash] }));
    if (found.rows.length === 0) throw new Refusal(401, 'not_signed_in', 'Please sign in first.');
    if (!LOOKERS.has(found.rows[0].role)) throw new Refusal(403, 'not_permitted', 'Your role does not include this.');
    return found.rows[0];
  }

  // The first page of a status, 20 long.
  async function transactions(cookie, status) {
    const who = await person(cookie);
    if (!STATUSES.has(status)) throw new Refusal(422, 'filter_invalid', 'We do not know this status or gateway.');
    const [rows, count] = await as({ role: 'staff', actor: `staff:${who.id}` }, async (conn) => [
      (await conn.query({ name: 'page', text: statements.payments_page, values: [status] })).rows,
      Number((await conn.query({ name: 'count', text: statements.payments_count, values: [status] })).rows[0].count),
    ]);
    const shown = rows.slice(0, 20);
    const last = shown[19];
    const next = rows.length > 20 ? Buffer.from(`${last.created_at.toISOString()} ${last.id}`).toString('base64url') : null;
    return { transactions: shown, pagination: { page: 1, limit: 20, total: count, totalPages: Math.ceil(count / 20), next } };
  }

  return { transactions };
}
