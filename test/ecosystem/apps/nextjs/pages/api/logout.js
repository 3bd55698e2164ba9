import { promisify } from 'node:util';

export default async function logout(req, res) {
  await promisify(req.session.destroy).call(req.session);
  res.send('out');
}
