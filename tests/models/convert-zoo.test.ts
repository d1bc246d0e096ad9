import { describeConverted, describeFineTuned } from '../support/describe-converted.ts';

/** The other families are in convert-zoo.zoo.ts (`npm run test:zoo`). */
for (const name of ['mobilenetv3small', 'efficientnetb0']) describeConverted(name);
describeFineTuned('mobilenetv3small');
