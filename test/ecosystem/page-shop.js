// The same shop with the sessions of a module, SESSIONS.
import express from 'express';
import { addShop } from './shop.js';

const { sessions } = await import(process.env.SESSIONS);
const app = express();
app.use(sessions);
addShop(app);

export default app;
