import './style.css';
import { Convert } from './convert.js';
import { Look } from './look.js';
import { Models } from './models.js';
import { attempt, makeTabs } from './page.js';
import { Train } from './train.js';

const models = new Models();
const showTab = makeTabs(() => look?.refresh());
/** Made below: tabs are there before what they show. */
let look;

// What is dropped beside a box would make the browser leave the page.
for (const type of ['dragover', 'drop']) addEventListener(type, (event) => event.preventDefault());

look = new Look(models);
new Train(models, showTab);
new Convert(models, showTab);
await attempt(() => models.ready);
