// The same shop with the session middleware of the module in SESSIONS.
import express from 'express';
import { addShop } from './shop.js';

const { sessions } = await import(process.env.SESSIONS);
const app = express();
app.use(sessions);
addShop(app);

export default app;
