const NUMBER_DIGITS = 6;

/** The id of a try: that of its delivery and its number, from 0. */
export const attemptId = (deliveryId: string, number: number) =>
  `${deliveryId}/${String(number).padStart(NUMBER_DIGITS, '0')}`;

export const deliveryOf = (id: string) => id.slice(0, -NUMBER_DIGITS - 1);
